"""Message templates: the sending engine, its limits and its checks."""
