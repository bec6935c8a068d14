"""Moving in from another product: its definitions of segments, templates and campaigns become ours."""
