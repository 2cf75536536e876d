GOALS = ()
