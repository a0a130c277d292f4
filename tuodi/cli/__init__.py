"""The `tuodi` command. One verb is one file in `verbs/`; the registry lists the folder, so adding a file is enough."""
