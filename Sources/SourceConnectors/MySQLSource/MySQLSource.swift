// MySQLSource
