"""The database: its tables, how it is opened, its migrations. What rows mean to people is for the floors above."""
