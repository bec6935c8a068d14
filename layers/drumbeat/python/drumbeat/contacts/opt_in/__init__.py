"""Double opt-in: consent to e-mail that counts once the owner of the address has confirmed it."""
