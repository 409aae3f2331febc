"""Steps that lead to steps: what CACAO, Systems Manager, Orquesta and Rundeck have in common."""
