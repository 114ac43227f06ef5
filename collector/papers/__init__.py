"""Papers for people: the letter to a carrier, the page for a ward, and how they are typeset."""
