"""What a plan would do, and who may make one."""
