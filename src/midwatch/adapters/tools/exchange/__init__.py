"""Tools that imported runbooks work with: data through jq, and HTTP."""
