"""Providers of e-mail and SMS: how a request to each looks, and what its answers mean."""
