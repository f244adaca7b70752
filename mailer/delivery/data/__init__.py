"""Where a message's data comes from: feeds and files, our own newsletters and petitions, tables with a row a person."""
