"""Open Workflow Specification 1.0 (the former CNCF Serverless Workflow) as runbooks, and back."""
