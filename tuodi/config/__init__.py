"""Settings, the URL root, the private database server and the job timetable. No room imports this one."""
