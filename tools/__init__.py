"""The commands behind the Makefile: prerequisites, Terraform, plan and deploy, generated documents."""
