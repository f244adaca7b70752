"""The room Data: tables with a row for each person or postcode, and what a newsletter's sources hold."""
