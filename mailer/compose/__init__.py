"""Message file → Message, once per campaign; Message + person → one mail's text. Pure: text in, values out."""
