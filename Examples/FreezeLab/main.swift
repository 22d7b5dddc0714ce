print("freeze lab")
