"""What other programs mean by their headers, words and values."""
