Feature: Numbers
    Scenario Outline: A number
        Given the number <n>
        Then it is <expected>

        Examples:
        | n | expected |
        | 1 | 1        |
        | 2 | 2        |
        | 3 | 7        |
