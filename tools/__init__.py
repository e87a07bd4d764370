"""What the Makefile calls: prerequisites, Terraform's environment, plan and deploy, generated documents."""
