"""A complaint as a case: its steps, its deadlines, whether things got better, a month of cases."""
