"""Playing runbooks: scenarios, in virtual time, through the real driver."""
