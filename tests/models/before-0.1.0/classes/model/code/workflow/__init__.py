"""What the steps share: it parses no command line and knows no step."""
