"""Pages where people subscribe, confirm, choose and leave."""
