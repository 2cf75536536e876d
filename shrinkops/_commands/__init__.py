"""What every command shares: how it starts and ends, how it speaks, how it writes files."""
