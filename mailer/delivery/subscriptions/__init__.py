"""What supporters ask for by link, form or mail: leaving, undoing that, confirming, changing."""
