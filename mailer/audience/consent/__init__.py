"""Who agreed to what, and what follows from it: subscribing, confirming, leaving, erasing, and who may be mailed."""
