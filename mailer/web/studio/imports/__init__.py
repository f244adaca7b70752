"""The room Imports: a file is brought, looked over, rehearsed and imported; and an import is taken back."""
