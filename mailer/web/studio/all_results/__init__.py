"""The room All results: newsletters compared, lists that grow and who acts, sign pages as their signatures come."""
