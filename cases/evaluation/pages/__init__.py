"""The desk's pages of evaluation."""
