"""What a document alone tells about its mistakes; what needs the tools' manifests is in `plan`."""
