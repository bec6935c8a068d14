"""The list hygiene report: which contacts are not worth, or not safe, to be mailed, and what to do about them."""
