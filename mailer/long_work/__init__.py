"""Long work that staff ask for: done beside the pages, with progress, through restarts and crashes, exactly once."""
