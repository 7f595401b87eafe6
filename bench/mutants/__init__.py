"""Mutation tests of the code that guards money, law and data: does a test see each small change?"""
