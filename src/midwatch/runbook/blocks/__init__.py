"""Reading the YAML blocks of a document into the model, every mistake with its place."""
