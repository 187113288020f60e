"""What things are: frozen types, ids and enums; standard library only."""
