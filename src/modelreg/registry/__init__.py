"""The use cases, one file a verb. They see git, DVC and documents only through protocols (`ports`,
`artifact_port`, `index_port`)."""
