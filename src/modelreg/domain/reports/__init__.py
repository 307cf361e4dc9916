"""A gate's report in the forms that people and forges read. Pure: text in, text out.

Whatever a report quotes (reasons, names, file paths) was written by strangers; each form makes it harmless in its own
way (threat-model R8).
"""
