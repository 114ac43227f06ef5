"""`python -m dashboards`: writes the dashboards' files."""

from dashboards.making import write

if __name__ == "__main__":
    write()
