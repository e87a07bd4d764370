"""What every command needs: folders, Terraform, AWS, switches of the command line."""
