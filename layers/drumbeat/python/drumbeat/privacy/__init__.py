"""What a person may ask of whoever stores its data: a copy of it, and that it be erased (GDPR, articles 15, 17, 20)."""
