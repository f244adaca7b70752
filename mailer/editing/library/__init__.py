"""What newsletters share: the pictures they show, and the templates they are made with."""
