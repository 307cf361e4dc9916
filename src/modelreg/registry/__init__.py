"""The use cases, one file a verb. They see git, DVC and documents only through `ports`."""
