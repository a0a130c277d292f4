"""Outside formats: spreadsheets, registers, bank files. Field names of others live here and nowhere else. No Django."""
