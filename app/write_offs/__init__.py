"""Write-offs: proposed with a reason and a picture, decided by a committee of three, recorded, moved to the loss."""
