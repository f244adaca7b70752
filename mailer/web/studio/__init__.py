"""The staff's web app, on their own machine only: a live preview of a newsletter while it is being written."""
