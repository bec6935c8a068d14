"""What comes back from recipients and providers: opens, clicks, bounces, complaints, opt-outs."""
