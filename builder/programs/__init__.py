"""Other people's programs: started, ended, their versions, their output without secrets."""
