"""The rows of a file, whatever it is: delimited text, JSON, a workbook, a zip."""
