"""The generated parts of the documents: the diagram, the tables, and the schema of sources."""
