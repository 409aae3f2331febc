"""CEL as the runbook language uses it; everybody else imports `runbook.expr`."""
