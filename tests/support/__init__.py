"""What tests share: houses in memory, plans by hand."""
